/**
 * Loaded into a child process before its own program (`node --import`). Standard input is a pipe from the parent: when it
 * ends, the parent is gone, however that came about, and the child ends itself as on SIGTERM.
 */
process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.once('error', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.resume();
// Waiting for the parent is no reason to live on.
process.stdin.unref();
