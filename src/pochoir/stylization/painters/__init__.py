"""Painters: networks that paint at once, by scales and shifts for each style; how they learn it, and their use."""
