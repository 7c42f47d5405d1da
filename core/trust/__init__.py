"""What a person lets a project do on this machine, which lies in the data folder and never in the project itself."""
