package load

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// Images reads an image map: what runs instead of an image that a cluster cannot
// pull. It collects every error; the content of the file comes with them.
//
//	map:
//	  nginx: registry.example/web:1.22.1           # every tag and digest
//	  nginx:1.29.3: registry.example/web:1.29.3    # this tag
//	  quay.io/prometheus/prometheus: mirror.example/prometheus   # the tag stays
//
// Names are in full in what it returns: nginx is docker.io/library/nginx.
func Images(path string) (map[spec.Image]spec.Image, map[string][]byte, diag.List) {
	l := &loader{files: map[string][]byte{}, texts: map[string]*text{}, marks: map[mark]marked{}, types: map[reflect.Type]*structure{}}
	images := map[spec.Image]spec.Image{}
	top := spec.Pos{File: path}
	t, ok := l.read(path, top)
	if !ok {
		return nil, l.files, l.finish()
	}
	docs, ok := l.parse(t)
	switch {
	case len(docs) == 0 && ok:
		l.diags.Add(top, "empty-file", "the file is empty").Help = imagesHelp
	case len(docs) > 1:
		l.diags.Add(t.node(docs[1].node), "two-maps", "an image map has one document, this is a second one")
	}
	if len(docs) > 0 {
		l.decoder(t, docs[0].node).images(docs[0].node, images)
	}
	return images, l.files, l.finish()
}

const imagesHelp = "an image map is written\nmap:\n  nginx: registry.example/web:1.22.1"

// images reads the one field of the file.
func (d *decoder) images(n *yaml.Node, into map[spec.Image]spec.Image) {
	d.imageFields(n, "the file", func(p pair) {
		if p.name != "map" {
			d.add(p.key, "unknown-field", "unknown field %q in an image map%s", p.name, diag.DidYouMean(p.name, []string{"map"})).Help = imagesHelp
			return
		}
		written := map[spec.Image]*yaml.Node{}
		d.imageFields(p.value, "map", func(p pair) { d.image(p, written, into) })
	})
}

// imageFields calls do for every field.
func (d *decoder) imageFields(n *yaml.Node, name string, do func(pair)) {
	d.follow(n, func(n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			d.add(n, "wrong-type", "%s takes names of images and what runs instead, found %s", name, found(n)).Help = imagesHelp
			return
		}
		for _, p := range d.pairs(n) {
			do(p)
		}
	})
}

// image reads one entry.
func (d *decoder) image(p pair, written map[spec.Image]*yaml.Node, into map[spec.Image]spec.Image) {
	from, err := spec.ParseImage(p.name)
	if err != nil {
		d.add(p.key, "image", "%s is no image: %v", p.name, err)
		return
	}
	if earlier := written[from]; earlier != nil {
		d.add(p.key, "duplicate-key", "%s is there twice", from).Help = "the first is " + earlier.Value
		return
	}
	written[from] = p.key
	d.follow(p.value, func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "" {
			d.add(n, "wrong-type", "%s takes the image that runs instead, found %s", p.name, found(n))
			return
		}
		to, err := spec.ParseImage(n.Value)
		if err != nil {
			d.add(n, "image", "%s is no image: %v", n.Value, err)
			return
		}
		into[from] = to
	})
}
