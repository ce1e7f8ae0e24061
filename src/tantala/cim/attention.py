"""Attention on tiles: the projections are products by stored weights, the rest stays digital.

Queries, keys, values and the output are four linear layers; scores and the weighted sum of values
multiply activations by activations, which no stored cell can do.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tantala.base.errors import InputError, Problem


class ProjectedAttention(nn.Module):
    """nn.MultiheadAttention with its projections as nn.Linear, so that they can be converted.

    Attributes that torch's encoder layers look at are kept; `_qkv_same_embed_dim` is False, which
    keeps them from their fused path past the projections.
    """

    _qkv_same_embed_dim = False
    in_proj_bias = None
    in_proj_weight = None

    def __init__(self, attention: nn.MultiheadAttention, name: str) -> None:
        super().__init__()
        if attention.bias_k is not None or attention.add_zero_attn:
            raise InputError(
                Problem(
                    "attention with appended keys has no form on tiles",
                    name,
                    "add_bias_kv or add_zero_attn",
                    hint=f"convert(..., digital=[{name!r}])",
                )
            )
        self.embed_dim, self.num_heads = attention.embed_dim, attention.num_heads
        self.batch_first, self.dropout = attention.batch_first, attention.dropout
        if attention.in_proj_weight is not None:
            weights = attention.in_proj_weight.detach().chunk(3)
        else:
            weights = (
                attention.q_proj_weight.detach(),
                attention.k_proj_weight.detach(),
                attention.v_proj_weight.detach(),
            )
        biases: Any = (None,) * 3
        if attention.in_proj_bias is not None:
            biases = attention.in_proj_bias.detach().chunk(3)
        self.query, self.key, self.value = (
            _linear(weight, bias) for weight, bias in zip(weights, biases, strict=True)
        )
        bias = attention.out_proj.bias
        self.out_proj = _linear(
            attention.out_proj.weight.detach(), None if bias is None else bias.detach()
        )

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
        need_weights: bool = True,
        attn_mask: torch.Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """As nn.MultiheadAttention."""
        single = query.dim() == 2
        if single:
            query, key, value = query[None], key[None], value[None]
        elif not self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        q, k, v = (
            self._heads(projection(x))
            for projection, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        scores = q @ k.transpose(-2, -1) / (self.embed_dim // self.num_heads) ** 0.5
        scores = scores + self._mask(scores, attn_mask, key_padding_mask)
        weights = F.dropout(scores.softmax(-1), self.dropout, self.training)
        mixed = (weights @ v).transpose(1, 2).flatten(2)
        answer = self.out_proj(mixed)
        if single:
            answer, weights = answer[0], weights[0]
        elif not self.batch_first:
            answer = answer.transpose(0, 1)
        if not need_weights:
            return answer, None
        return answer, weights.mean(-3) if average_attn_weights else weights

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def _mask(
        self, scores: torch.Tensor, mask: torch.Tensor | None, padding: torch.Tensor | None
    ) -> torch.Tensor:
        total = torch.zeros_like(scores)
        if mask is not None:
            if mask.dim() == 3:
                mask = mask.view(-1, self.num_heads, *mask.shape[1:])
            total = total + _additive(mask, scores)
        if padding is not None:
            padding = padding.view(-1, 1, 1, padding.shape[-1])
            total = total + _additive(padding, scores)
        return total


def _linear(weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    linear.weight = nn.Parameter(weight.clone())
    if bias is not None:
        linear.bias = nn.Parameter(bias.clone())
    return linear


def _additive(mask: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    if mask.dtype == torch.bool:
        return torch.zeros_like(mask, dtype=scores.dtype).masked_fill(mask, float("-inf"))
    return mask.to(scores.dtype)


def project(model: nn.Module, kept: Any) -> nn.Module:
    """`model` with every attention that is not `kept` as a ProjectedAttention."""
    for name, module in list(model.named_modules()):
        if type(module) is nn.MultiheadAttention and not kept(name, module):
            attention = ProjectedAttention(module, name).to(module.out_proj.weight.device)
            parent, _, child = name.rpartition(".")
            if not name:
                return attention.eval()
            setattr(model.get_submodule(parent) if parent else model, child, attention.eval())
    for module in model.modules():
        if isinstance(module, nn.TransformerEncoder):
            module.enable_nested_tensor = module.use_nested_tensor = False
        if isinstance(module, nn.TransformerEncoderLayer):
            module.activation_relu_or_gelu = 0  # the fused path would go past the layers
    return model
