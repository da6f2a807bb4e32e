"""The defaults of every task; part of the package as pochoir.conf."""
