"""Commissioning: from a bare board to a tested node that its gateway knows, many at a time."""
