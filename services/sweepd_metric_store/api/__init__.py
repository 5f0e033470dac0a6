"""Calls of `MetricService`: messages in and out, and the streams that carry them."""
