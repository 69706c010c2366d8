package stats

// Proportion is the confidence interval of a share of which k in n were seen: the
// exact one of Clopper and Pearson (Biometrika 26, 1934), whose ends are the shares
// at which what was seen, or more, and what was seen, or less, have the probability
// (1−confidence)/2. It holds the true share with at least that confidence, whatever
// it is. Of nothing seen it is 0 to 1.
func Proportion(k, n int, confidence float64) (low, high float64) {
	if n <= 0 {
		return 0, 1
	}
	k = min(max(k, 0), n)
	miss := (1 - confidence) / 2
	low, high = 0, 1
	if k > 0 {
		low = crossing(func(p float64) bool { return newBinomial(n, p).between(k, n+1) >= miss })
	}
	if k < n {
		high = crossing(func(p float64) bool { return newBinomial(n, p).between(0, k+1) <= miss })
	}
	return low, high
}

// crossing is where a condition that is false at 0 becomes true on the way to 1.
func crossing(is func(p float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 50 { // to 10⁻¹⁵
		if p := (low + high) / 2; is(p) {
			high = p
		} else {
			low = p
		}
	}
	return (low + high) / 2
}
