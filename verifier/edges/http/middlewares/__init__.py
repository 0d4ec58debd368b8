"""What every request passes through, outermost first: observing, problem_details, authentication, limits."""
