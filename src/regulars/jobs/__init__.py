"""What happens later: each job asks what is due by now, acts through the engine, and may run in any number
of processes."""
