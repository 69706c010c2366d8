package main

import (
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/realspec/realspec/cmd/realspec-cluster/debian"
	"github.com/realspec/realspec/cmd/realspec-cluster/image"
)

// built holds the program that build.sh made before this one.
//
//go:embed all:built
var built embed.FS

// packImagesCommand makes images of this machine's packages.
type packImagesCommand struct {
	Folder string   `arg:"" name:"dir" help:"Folder for the archives, and for images.yaml, which says what they stand for: realspec run --image-map DIR/images.yaml." type:"path"`
	Only   []string `help:"Pack only this one; may be repeated." sep:"none" placeholder:"NAME"`
	Agent  string   `help:"The agent's program (default: realspec-agent beside this program)." type:"path" placeholder:"FILE"`
}

// Run is called by kong.
func (c *packImagesCommand) Run(io streams) error {
	recipes, err := c.recipes(io)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Folder, 0o755); err != nil {
		return err
	}
	versions, err := packageVersions(recipes)
	if err != nil {
		return err
	}
	starter, err := built.ReadFile("built/starter")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	list, err := readPacked(c.Folder)
	if err != nil {
		return err
	}
	for _, recipe := range recipes {
		p := packed{Name: recipe.Name, Stands: recipe.Stands}
		for _, name := range recipe.Packages {
			p.Packages = append(p.Packages, name+" "+versions[name])
			p.Version = cmp.Or(p.Version, debian.Upstream(versions[name]))
		}
		if err := list.pack(c.Folder, recipe, p, debian.Parts{Starter: starter, Agent: c.Agent}); err != nil {
			return err
		}
	}
	if err := list.write(c.Folder); err != nil {
		return err
	}
	for _, p := range list {
		fmt.Fprintf(io.out, "%-13s %4d MB  %s\n", p.Name, (p.Size+500_000)/1_000_000, p.Reference)
	}
	return nil
}

// recipes returns those that are asked for.
func (c *packImagesCommand) recipes(io streams) ([]debian.Recipe, error) {
	all := debian.Recipes()
	names := map[string]bool{}
	for _, r := range all {
		names[r.Name] = true
	}
	for _, name := range c.Only {
		if !names[name] {
			return nil, usageError("--only %s: there is no such image; there are %s", name, recipeNames(all))
		}
	}
	if c.Agent == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		c.Agent = filepath.Join(filepath.Dir(self), "realspec-agent")
	}
	_, noAgent := os.Stat(c.Agent)
	return slices.DeleteFunc(all, func(r debian.Recipe) bool {
		if r.Name == debian.AgentName && noAgent != nil && !slices.Contains(c.Only, r.Name) {
			fmt.Fprintf(io.err, "the image of the agent is left out: %v\n", noAgent)
			return true
		}
		return len(c.Only) > 0 && !slices.Contains(c.Only, r.Name)
	}), nil
}

func recipeNames(recipes []debian.Recipe) string {
	var names []string
	for _, r := range recipes {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

// packageVersions returns the versions of all packages, or says how to install
// those that are missing.
func packageVersions(recipes []debian.Recipe) (map[string]string, error) {
	var names []string
	for _, r := range recipes {
		names = append(names, r.Packages...)
	}
	if len(names) == 0 {
		return nil, nil
	}
	versions, err := debian.Versions(names)
	if err != nil {
		return nil, usageError("%w", err)
	}
	if missing := debian.Missing(recipes, versions); len(missing) > 0 {
		return nil, usageError("these packages are not installed: %s; install them with: apt-get install -y --no-install-recommends %s",
			strings.Join(missing, ", "), strings.Join(missing, " "))
	}
	return versions, nil
}

// packed is one image in a folder.
type packed struct {
	Name      string   `json:"name"`
	Version   string   `json:"version,omitempty"`
	Packages  []string `json:"packages,omitempty"`
	Stands    []string `json:"stands"`
	Reference string   `json:"reference"`
	Digest    string   `json:"digest"`
	File      string   `json:"file"`
	Size      int64    `json:"size"`
	Key       string   `json:"key"` // of what it was made of
}

// packedList is all images in a folder; it is kept in packed.json.
type packedList []packed

const (
	packedFile = "packed.json"
	mapFile    = "images.yaml"
)

func readPacked(folder string) (list packedList, err error) {
	content, err := os.ReadFile(filepath.Join(folder, packedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && json.Unmarshal(content, &list) != nil {
		err = fmt.Errorf("%s is not what pack-images wrote; remove it and pack again", filepath.Join(folder, packedFile))
	}
	// What somebody removed is not there.
	return slices.DeleteFunc(list, func(p packed) bool {
		_, err := os.Stat(filepath.Join(folder, p.File))
		return err != nil
	}), err
}

// pack makes an image, unless it is there.
func (l *packedList) pack(folder string, recipe debian.Recipe, p packed, parts debian.Parts) error {
	tree, config, err := recipe.Tree(parts)
	if err != nil {
		return err
	}
	if p.Key, err = image.Key(tree, config); err != nil {
		return err
	}
	i := slices.IndexFunc(*l, func(old packed) bool { return old.Name == p.Name })
	if i >= 0 && (*l)[i].Key == p.Key {
		return nil
	}
	made, err := image.New(tree, config)
	if err != nil {
		return err
	}
	tag := strings.TrimPrefix(p.Version+"-"+made.Short(), "-")
	p.Reference = "realspec.dev/" + p.Name + ":" + tag
	p.Digest, p.File = made.Digest().String(), p.Name+"-"+tag+".tar"
	path := filepath.Join(folder, p.File)
	if err := writeArchive(path, made, p.Reference); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	p.Size = info.Size()
	if i < 0 {
		*l = append(*l, p)
		return nil
	}
	if old := (*l)[i].File; old != p.File {
		_ = os.Remove(filepath.Join(folder, old))
	}
	(*l)[i] = p
	return nil
}

// write keeps the list, and writes the image map.
func (l packedList) write(folder string) error {
	if err := replaceFile(filepath.Join(folder, packedFile), func(w io.Writer) error {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(l)
	}); err != nil {
		return err
	}
	return replaceFile(filepath.Join(folder, mapFile), func(w io.Writer) error {
		if _, err := fmt.Fprint(w, "# What runs instead of an image, for realspec run --image-map. Made by pack-images\n"+
			"# from Debian's packages, so the versions are Debian's.\nmap:\n"); err != nil {
			return err
		}
		for _, p := range l {
			for _, name := range p.Stands {
				about := ""
				if len(p.Packages) > 0 {
					about = " # " + p.Packages[0]
				}
				if _, err := fmt.Fprintf(w, "  %s: %s%s\n", name, p.Reference, about); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
