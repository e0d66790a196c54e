"""What a user may say: experiments, spaces and settings, validated before anything runs."""
