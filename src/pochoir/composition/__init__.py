"""Putting the paint through the stencil: choose instances, fit their edges, cut regions out, lay the paint over."""
