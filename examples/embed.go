// Package examples holds the recipes: small scenarios, each for one thing, to
// read and to begin from. `realspec init` copies them out of the program.
package examples

import "embed"

// Recipes are the recipes, each a folder by its name. Recorded baselines are left
// out: they belong to the machine on which they were recorded.
//
//go:embed */*.yaml */manifests/*.yaml
var Recipes embed.FS
