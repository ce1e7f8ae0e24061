"""Ground floor: quantities, cited numbers, errors, addressed random streams, design files."""
