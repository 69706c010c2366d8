package spec

import (
	"fmt"
	"strings"

	"github.com/distribution/reference"
)

// Image is a reference to a container image, in full: nginx is
// docker.io/library/nginx.
type Image struct {
	Repository string // docker.io/library/nginx
	Tag        string // "" for none
	Digest     string // sha256:…, or "" for none
}

// ParseImage reads a reference as it is written in a pod, by the rules of every
// container runtime. The error says what is wrong with it, and does not quote it.
func ParseImage(text string) (Image, error) {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return Image{}, fmt.Errorf("it is not NAME, NAME:TAG or NAME@DIGEST in lower case: %s",
			strings.TrimPrefix(err.Error(), "invalid reference format: "))
	}
	i := Image{Repository: named.Name()}
	if tagged, ok := named.(reference.Tagged); ok {
		i.Tag = tagged.Tag()
	}
	if digested, ok := named.(reference.Digested); ok {
		i.Digest = digested.Digest().String()
	}
	return i, nil
}

// String is the reference in full.
func (i Image) String() string {
	text := i.Repository
	if i.Tag != "" {
		text += ":" + i.Tag
	}
	if i.Digest != "" {
		text += "@" + i.Digest
	}
	return text
}
