// Ports for processes that are started again.
#ifndef WEIR_TESTS_FAULTS_FREE_PORT_H_
#define WEIR_TESTS_FAULTS_FREE_PORT_H_

#include <random>

namespace weir {

// A port of 127.0.0.1 that is free now and that the system gives to nobody by itself, so that a
// process which is started again finds it free.
int FreePort(std::mt19937_64& random);

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_FREE_PORT_H_
