"""Claims: the compact models reproduce the tables of compact_claims.toml (CA1)."""

from __future__ import annotations

import pytest
from compact_models import evaluate
from published_claims import Claim, read_claims


@pytest.mark.parametrize("claim", read_claims("compact_claims.toml"), ids=lambda claim: claim.id)
def test_the_model_reproduces(claim: Claim):
    value = evaluate(claim)
    told = f"{claim.text}: model {value:.4g}, printed {claim.published:.4g} {claim.unit}"
    assert claim.holds(value), f"{told}, allowed {claim.low:.4g} to {claim.high:.4g}"
