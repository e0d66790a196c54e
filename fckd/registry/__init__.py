"""Students to take away: packed, checked, registered, promoted, pulled and asked."""
