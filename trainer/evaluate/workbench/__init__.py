"""WorkBench: six tasks of the labour market as rankings, built from a release and local files."""
