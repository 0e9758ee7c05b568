// The host of tests under Node: in memory.
export {};
