"""What the gateway costs, as ratios: `python -m tests.bench` measures it against nginx and the naive way in one run."""
