package stats

import (
	"cmp"
	"math"
	"slices"
)

// Holm adjusts the P of several tests so that the probability of one false alarm
// or more among all of them is at most the level that they are compared with
// (Holm 1979), however they depend on each other. NaN stays NaN and is not counted
// as a test. The order is that of p.
func Holm(p []float64) []float64 {
	adjusted, order := ascending(p)
	var highest float64
	for rank, i := range order {
		highest = max(highest, min(float64(len(order)-rank)*p[i], 1))
		adjusted[i] = highest
	}
	return adjusted
}

// ascending is a slice of NaN and the indices of the numbers in p by their size.
func ascending(p []float64) (adjusted []float64, order []int) {
	adjusted = make([]float64, len(p))
	for i := range p {
		adjusted[i] = math.NaN()
		if !math.IsNaN(p[i]) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	return adjusted, order
}
