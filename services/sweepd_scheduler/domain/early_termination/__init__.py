"""Early termination: pure rules that say, as values arrive, which runs are not worth continuing."""
