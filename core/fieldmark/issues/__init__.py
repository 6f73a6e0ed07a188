"""What is probably wrong with photos and labels: each kind of issue, and what it is found by."""
