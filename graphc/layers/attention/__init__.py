"""Layers of attention, under Keras's names."""

from graphc.layers.attention.attention import AdditiveAttention as AdditiveAttention
from graphc.layers.attention.attention import Attention as Attention
from graphc.layers.attention.grouped_query_attention import (
    GroupedQueryAttention as GroupedQueryAttention,
)
from graphc.layers.attention.grouped_query_attention import (
    GroupQueryAttention as GroupQueryAttention,
)
from graphc.layers.attention.multi_head_attention import MultiHeadAttention as MultiHeadAttention
