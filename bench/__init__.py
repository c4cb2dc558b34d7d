"""Measurements beside their baselines: each prints whether its bars are met. The product never imports this."""
