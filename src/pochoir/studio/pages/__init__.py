"""What is seen: one page with three parts, whose state is a tab's own."""
