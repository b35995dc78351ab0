// SIGTERM and SIGINT as something that a program waits for.
#ifndef WEIR_BASE_TERMINATION_H_
#define WEIR_BASE_TERMINATION_H_

namespace weir {

// From here on the first SIGTERM or SIGINT is what WaitForTermination waits for, whichever thread
// the system picks; a second one ends the process at once. Call it once, early.
void CatchTermination();

// Waits for that signal and returns its number, or 0 after CancelWait.
int WaitForTermination();

// Makes the wait return 0, for a program that has to end for a reason of its own. From any thread.
void CancelWait();

}  // namespace weir

#endif  // WEIR_BASE_TERMINATION_H_
