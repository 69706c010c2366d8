package main

// maxrssUnit is the unit of rusage's maxrss: kibibytes on Linux.
const maxrssUnit = 1024
