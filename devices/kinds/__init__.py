"""One file a kind; each holds one `KIND`. `devices.registry` finds them by walking this folder."""
