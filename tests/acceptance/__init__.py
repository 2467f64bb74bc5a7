"""The whole monitor as a real process, asked and told over its ports as by anybody else."""
