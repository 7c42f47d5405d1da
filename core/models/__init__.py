"""The base model: fetching, loading, adapters over one shared base, generation. Torch lives from here down."""
