package main

import (
	_ "github.com/onsi/gomega"
)
