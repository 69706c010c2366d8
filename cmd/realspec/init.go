package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/examples"
)

// initCommand makes a scenario from a recipe.
type initCommand struct {
	Name string `arg:"" optional:"" help:"The folder to make, as specs/checkout; its last part names the scenario. Without it, the recipes are listed."`
	From string `default:"rollout" help:"The recipe to begin from. Default: ${default}." placeholder:"RECIPE"`
	CI   string `name:"ci" enum:",github,gitlab" default:"" help:"Also write what a CI system needs: github or gitlab. A file that is there already is left as it is, and ours is printed." placeholder:"SYSTEM"`
}

// Run is the command. It overwrites nothing, and leaves nothing behind when it
// cannot end its work.
func (c *initCommand) Run(a *app) error {
	if c.Name == "" && c.CI == "" {
		return listRecipes(a)
	}
	p, err := c.place()
	if err != nil {
		return err
	}
	w := &writing{}
	if err := c.write(w, p); err != nil {
		w.undo()
		return err
	}
	for _, path := range w.files {
		fmt.Fprintln(a.stdout, "wrote  "+shownPath(path))
	}
	for _, k := range w.kept {
		fmt.Fprintf(a.stdout, "kept   %s\n", shownPath(k.path))
		if k.show {
			fmt.Fprintf(a.stdout, "       this would have been written:\n\n%s\n", k.content)
		}
	}
	if c.Name != "" {
		fmt.Fprintf(a.stdout, "next:  realspec run %s --cluster local%s\n", c.Name, recipeFlags(c.From))
	}
	return nil
}

// place is where everything goes.
type place struct {
	target  string // the scenario's folder; "" for a CI file alone
	name    string // of the scenario
	root    string // of the tester's repository
	schemas string // the folder of the schemas
	specs   string // what CI runs, seen from root
}

// scenarioName is a DNS label of at most 40 characters, as package load wants it.
var scenarioName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// place finds out where everything goes, and refuses what cannot be.
func (c *initCommand) place() (place, error) {
	cwd, err := os.Getwd()
	if err != nil {
		return place{}, err
	}
	if c.Name == "" {
		return place{root: rootOf(cwd, cwd), specs: "."}, nil
	}
	if _, err := fs.Stat(examples.Recipes, c.From+"/scenario.yaml"); err != nil {
		return place{}, noRecipe(c.From)
	}
	target, err := filepath.Abs(c.Name)
	if err != nil {
		return place{}, err
	}
	p := place{target: target, name: filepath.Base(target), root: rootOf(filepath.Dir(target), cwd)}
	p.schemas = schemasFolder(p.root)
	if p.specs, err = filepath.Rel(p.root, filepath.Dir(target)); err != nil {
		return place{}, err
	}
	switch _, err := os.Lstat(target); {
	case !scenarioName.MatchString(p.name):
		return place{}, usage("%q is no name for a scenario: write small letters, digits and -, at most 40, such as high-load", p.name)
	case err == nil:
		return place{}, usage("%s is there already: give a name that is not, or remove it", c.Name)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(target), "scenario.yaml")); err == nil {
		return place{}, usage("%s is a scenario itself, and scenarios do not nest: give a place beside it", filepath.Dir(c.Name))
	}
	return p, nil
}

func noRecipe(name string) error {
	text := fmt.Sprintf("there is no recipe %q", name)
	if near := diag.Nearest(name, recipeNames()); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return usage("%s\n  recipes: %s", text, strings.Join(recipeNames(), ", "))
}

// rootOf is the folder of the repository that dir is in. Without one it is the
// current folder when dir is below it, and dir otherwise.
func rootOf(dir, cwd string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	if rel, err := filepath.Rel(cwd, dir); err == nil && filepath.IsLocal(rel) {
		return cwd
	}
	return dir
}

// write writes all files.
func (c *initCommand) write(w *writing, p place) error {
	if c.Name != "" {
		if err := writeRecipe(w, c.From, p); err != nil {
			return err
		}
		if err := writeEditor(w, p); err != nil {
			return err
		}
	}
	if c.CI == "" {
		return nil
	}
	file, content := ciFile(c.CI, p.specs)
	return w.missing(filepath.Join(p.root, file), content, true)
}

// writeRecipe copies a recipe under the scenario's own name. Its modelines lead
// to the schemas from where it stands now.
func writeRecipe(w *writing, recipe string, p place) error {
	toSchemas, err := filepath.Rel(p.target, p.schemas)
	if err != nil {
		return err
	}
	return fs.WalkDir(examples.Recipes, recipe, func(at string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := examples.Recipes.ReadFile(at)
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(content), "$schema=../../schemas/", "$schema="+filepath.ToSlash(toSchemas)+"/")
		if path.Base(at) == "scenario.yaml" {
			text = strings.Replace(text, "\n  name: "+recipe+"\n", "\n  name: "+p.name+"\n", 1)
		}
		return w.file(filepath.Join(p.target, filepath.FromSlash(strings.TrimPrefix(at, recipe+"/"))), text)
	})
}

// recipeNames are the recipes, sorted.
func recipeNames() []string {
	entries, err := examples.Recipes.ReadDir(".")
	if err != nil {
		panic(err) // it is embedded
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// listRecipes shows every recipe with what it proves.
func listRecipes(a *app) error {
	const indent = 16
	for _, name := range recipeNames() {
		about := strings.Split(ansi.Wordwrap(recipeDescription(name), reportWidth-indent, ""), "\n")
		fmt.Fprintf(a.stdout, "%-*s%s\n", indent, name, strings.Join(about, "\n"+strings.Repeat(" ", indent)))
	}
	fmt.Fprint(a.stdout, "\nbegin from one:  realspec init specs/NAME --from RECIPE\n")
	return nil
}

// recipeDescription is the sentence in the recipe's scenario.yaml.
func recipeDescription(name string) string {
	return strings.TrimSpace(recipeSpec(name).Description)
}

// recipeFlags are the flags without which nothing of a recipe would run.
func recipeFlags(name string) string {
	if slices.Contains(recipeSpec(name).Allow, spec.AllowDisruption) {
		return " " + plan.FlagDisruption
	}
	return ""
}

// recipeSpec is what a recipe says of itself; a test reads them all.
func recipeSpec(name string) spec.ScenarioSpec {
	content, err := examples.Recipes.ReadFile(name + "/scenario.yaml")
	if err != nil {
		return spec.ScenarioSpec{}
	}
	var scenario struct {
		Spec struct {
			Description string   `json:"description"`
			Allow       []string `json:"allow"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(content, &scenario); err != nil {
		return spec.ScenarioSpec{}
	}
	return spec.ScenarioSpec{Description: scenario.Spec.Description, Allow: scenario.Spec.Allow}
}
