"""Reference wires of three tools (conformance case MA3): geometry in, R and C per um out.

Geometry and results are those of the reference page of macro models, section 5.2; numbers are
facts of the tools' tables at 300 K. NVSim warms its resistivities by 0.0039/K from 293 K.
"""

from dataclasses import dataclass

LEVELS = ("local", "semi", "global")


@dataclass(frozen=True)
class WireRow:
    """Lengths in nm, resistivity in 1e-8 ohm m, results in ohm/um and fF/um (None: not given)."""

    name: str
    pitch: float
    aspect_ratio: float
    barrier: float
    side_constant: float | None
    height: float | None
    rho: float
    dishing: float
    scattering: float
    resistance: float
    capacitance: float | None


def _rows(tool, node, style, pitch, ratio, barrier, k, height, rho, result, dishing=0.0, alpha=1.0):
    for i, level in enumerate(LEVELS):
        yield WireRow(
            f"{tool}-{node}-{style}-{level}",
            pitch[i],
            ratio[i],
            barrier[i],
            k,
            height[i],
            rho[i],
            dishing if level == "global" else 0.0,
            alpha,
            *result[i],
        )


def three(value):
    return (value,) * 3


def _nvsim():
    warm = 1.0 + 0.0039 * 7.0
    rho = three(2.2 * warm)
    yield from _rows(
        "NVSim", 180, "aggr", (450, 575, 945), (2.4, 2.1, 2.1), three(16), 3.75, (1000, 1000, 2000),
        rho, ((0.223, 0.370), (0.150, 0.344), (0.053, 0.340)),
    )  # fmt: skip
    yield from _rows(
        "NVSim", 180, "cons", (450, 575, 945), (1.2, 1.75, 1.711), three(12.8), 4.205,
        (1000, 1000, 2200), rho, ((0.441, 0.265), (0.176, 0.330), (0.064, 0.321)),
    )  # fmt: skip
    yield from _rows(
        "NVSim", 120, "aggr", (240, 320, 475), (1.6, 1.7, 2.1), three(12), 3.3, (480, 480, 960),
        rho, ((1.308, 0.272), (0.639, 0.287), (0.217, 0.316)),
    )  # fmt: skip
    yield from _rows(
        "NVSim", 120, "cons", (240, 320, 475), (1.4, 1.5, 1.9), three(10), 3.6, (480, 480, 1100),
        rho, ((1.430, 0.266), (0.702, 0.281), (0.235, 0.312)),
    )  # fmt: skip
    yield from _rows(
        "NVSim", 90, "aggr", (225, 360, 720), (2.4, 2.4, 2.7), three(10), 2.709, (480, 480, 960),
        rho, ((0.940, 0.304), (0.335, 0.314), (0.069, 0.335)),
    )  # fmt: skip
    yield from _rows(
        "NVSim", 90, "cons", (225, 360, 720), (2.0, 2.0, 2.2), three(8), 3.038, (480, 480, 1100),
        rho, ((1.079, 0.293), (0.392, 0.302), (0.084, 0.315)),
    )  # fmt: skip
    yield from _rows(
        "NVSim", 65, "aggr", (162, 260, 520), (2.7, 2.7, 2.8), three(0), 2.303, (405, 405, 810),
        rho, ((1.268, 0.294), (0.495, 0.302), (0.119, 0.308)),
    )  # fmt: skip
    yield from _rows(
        "NVSim", 65, "cons", (162, 260, 520), (2.0, 2.0, 2.2), three(6), 2.734, (405, 405, 770),
        rho, ((2.085, 0.274), (0.754, 0.282), (0.161, 0.298)),
    )  # fmt: skip
    yield from _rows(
        "NVSim", 45, "aggr", (102, 180, 360), (1.8, 1.8, 2.34), three(0), 2.6, (91.8, 162, 630),
        (4.08 * warm, 4.08 * warm, 2.06 * warm),
        ((8.95, 0.278), (2.88, 0.278), (0.279, 0.296)),
    )  # fmt: skip
    yield from _rows(
        "NVSim", 45, "cons", (102, 180, 360), (1.8, 1.8, 2.34), (3.3, 3.3, 10), 2.9,
        (91.8, 162, 550), (4.08 * warm, 4.08 * warm, 2.06 * warm),
        ((10.67, 0.292), (3.17, 0.292), (0.322, 0.318)),
    )  # fmt: skip
    yield from _rows(
        "NVSim", 32, "aggr", (64, 128, 256), (1.8, 1.9, 2.34), three(0), 2.82,
        (57.6, 121.6, 420), (5.0 * warm, 5.0 * warm, 2.5 * warm),
        ((27.87, 0.288), (6.60, 0.294), (0.670, 0.311)),
    )  # fmt: skip
    yield from _rows(
        "NVSim", 32, "cons", (64, 128, 256), (1.8, 1.9, 2.34), (2.6, 2.6, 7.8), 3.16,
        (57.6, 121.6, 385), (5.0 * warm, 5.0 * warm, 2.5 * warm),
        ((34.85, 0.304), (7.34, 0.311), (0.783, 0.334)),
    )  # fmt: skip
    yield from _rows(
        "NVSim", 22, "aggr", (44, 88, 176), (1.9, 1.9, 2.34), three(0), 2.55,
        (41.8, 83.6, 289), (6.0 * warm, 6.0 * warm, 3.0 * warm),
        ((67.0, 0.280), (16.8, 0.280), (1.70, 0.295)),
    )  # fmt: skip
    yield from _rows(
        "NVSim", 22, "cons", (44, 88, 176), (1.9, 1.9, 2.34), (2.1, 2.1, 6.3), 3.0,
        (41.8, 83.6, 265), (6.0 * warm, 6.0 * warm, 3.0 * warm),
        ((87.2, 0.303), (19.0, 0.303), (2.05, 0.324)),
    )  # fmt: skip


def _cacti():
    old = {
        180: (
            (450, 720, 1440),
            17,
            17,
            2.709,
            3.038,
            (750, 750, 1500),
            (750, 750, 1980),
            2.2,
            158.4,
        ),
        90: ((225, 360, 720), 10, 8, 2.709, 3.038, (480, 480, 960), (480, 480, 1100), 2.2, 79.2),
        65: ((162, 260, 520), 0, 6, 2.303, 2.734, (405, 405, 810), (405, 405, 770), 1.8, 57.2),
    }
    ratios = {180: (2.0, 2.4, 2.2), 90: (2.4, 2.4, 2.7), 65: (2.7, 2.7, 2.8)}
    results = {
        180: (((0.266, 0.280), (0.080, 0.321), (0.020, 0.306)),
              ((0.266, 0.297), (0.096, 0.310), (0.023, 0.318))),
        90: (((0.915, 0.304), (0.326, 0.314), (0.067, 0.335)),
             ((1.051, 0.293), (0.381, 0.302), (0.091, 0.315))),
        65: (((1.010, 0.294), (0.394, 0.302), (0.095, 0.308)),
             ((2.030, 0.274), (0.734, 0.282), (0.174, 0.298))),
        45: (((1.90, 0.283), (0.74, 0.291), (0.185, 0.291)),
             ((4.20, 0.258), (1.52, 0.265), (0.363, 0.281))),
        32: (((3.75, 0.261), (1.46, 0.269), (0.366, 0.269)),
             ((8.40, 0.246), (3.03, 0.254), (0.720, 0.267))),
        22: (((7.93, 0.240), (3.10, 0.248), (0.775, 0.248)),
             ((20.7, 0.239), (7.15, 0.247), (1.65, 0.260))),
    }  # fmt: skip
    for node, (pitch, b, b_cons, k, k_cons, ild, ild_cons, rho, dishing) in old.items():
        aggressive, conservative = results[node]
        yield from _rows("CACTI", node, "aggr", pitch, ratios[node], three(b), k, ild,
                         three(rho), aggressive)  # fmt: skip
        yield from _rows("CACTI", node, "cons", pitch, (2.0, 2.0, 2.2), three(b_cons), k_cons,
                         ild_cons, three(2.2), conservative, dishing)  # fmt: skip
    new = {
        45: ((112, 180, 360), 4, 1.958, 2.46, 315, 550, 39.6, 1.0),
        32: ((80, 128, 256), 3, 1.664, 2.214, 210, 385, 28.16, 1.0),
        22: ((55, 88, 176), 3, 1.414, 2.104, 150, 275, 19.36, 1.05),
    }
    for node, (pitch, b, k, k_cons, ild, top, dishing, alpha) in new.items():
        aggressive, conservative = results[node]
        yield from _rows("CACTI", node, "aggr", pitch, three(3.0), three(0), k,
                         (ild, ild, 2 * ild), three(1.8), aggressive)  # fmt: skip
        yield from _rows("CACTI", node, "cons", pitch, (2.0, 2.0, 2.2), three(b), k_cons,
                         (ild, ild, top), three(2.2), conservative, dishing, alpha)  # fmt: skip


def _neurosim():
    for node, half, b, ratio, rho, result in (
        (130, 175, 10, 1.6, 2.01, 0.483),
        (90, 110, 10, 1.6, 2.20, 1.49),
        (65, 105, 7, 1.7, 2.21, 1.43),
        (45, 80, 5, 1.7, 2.37, 2.60),
        (32, 56, 4, 1.8, 2.63, 5.70),
        (22, 40, 2.5, 1.9, 2.97, 11.6),
        (14, 32, 2.5, 2.0, 3.25, 19.7),
    ):
        yield WireRow(
            f"NeuroSim-{node}", 2 * half, ratio, b, None, None, rho, 0.0, 1.0, result, None
        )


WIRE_ROWS = [*_nvsim(), *_cacti(), *_neurosim()]
