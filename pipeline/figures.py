def plan(config, readings, frames):
    return []
