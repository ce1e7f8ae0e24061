"""A law of ageing for tests that need no file: near technology B, but no claim about it."""

from __future__ import annotations

from tantala.cell.ageing import Ageing
from tantala.cell.noise import NoiseLaw
from tantala.cell.relaxation import RelaxationLaw
from tantala.cell.retention import RetentionLaw

RELAXATION = RelaxationLaw(
    full_scale=128e-6,
    attempt_rate=1e13,
    verify_delay=3e-3,
    amplitude_states=(0.02, 0.06, 0.13, 0.25, 0.4, 0.55, 0.75, 1.0),
    amplitude=(0.0026, 0.0236, 0.0463, 0.0712, 0.0832, 0.0526, 0.0199, 0.0074),
    amplitude_growth=0.11,
    events=4.5,
    states=(0.03, 0.18, 0.35, 0.6, 0.95),
    barrier=(0.22, 0.50, 0.54, 0.38, 0.26),
    barrier_spread=0.17,
    bias=(1.1, -0.30, -0.28, -0.13, 0.40),
    flicker=(0.0046, 0.0088, 0.0103, 0.0078, 0.0077),
    flicker_growth=0.25,
    large_event_ratio=2.3,
    front_limit=1.09,
)
RETENTION = RetentionLaw(
    states=(0.05, 0.3, 0.6, 0.95),
    early_onset=1.18,
    early_width=0.10,
    early_drift=(-0.34, -0.34, -0.72, -2.7),
    early_spread=(1.1, 0.77, 1.7, 2.8),
    late_onset=1.67,
    late_width=0.145,
    late_drift=(0.28, 0.7, 2.3, 1.4),
    late_spread=(1.1, 2.0, 0.95, 2.3),
    front_limit=1.77,
)
LAW = Ageing(RELAXATION, RETENTION)
NOISE = NoiseLaw(
    level=1e-5,
    reference_conductance=9e-5,
    exponent=1.8,
    lowest_conductance=9.5e-6,
    slope=1.2,
    slowest=100.0,
    integration_time=1e-6,
)
