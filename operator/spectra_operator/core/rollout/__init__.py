"""Blue-green rollouts of revisions: the pure decision. ADR 12 says it in words."""
