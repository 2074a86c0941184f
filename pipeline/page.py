def write(config, store, key, readings, frames, drawn):
    pass
