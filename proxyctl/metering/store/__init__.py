"""Where records are kept. `base` is the contract, `memory` the store that forgets at a restart."""
