// How jemalloc, which replaces malloc in weir-server, is to work. Requests are made on one thread
// and often end on another, for which glibc's malloc takes locks (docs/performance.md).
//
// What is free goes back to the system within about a second, also while nothing happens: models
// that were unloaded hold no memory.
extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:1000";
