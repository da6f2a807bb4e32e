"""What a run leaves behind, and how runs are read back: records, pages, sweeps, comparisons."""
