"""Blue-green rollouts of revisions: the pure decision. docs/rollouts.md says it to users."""
