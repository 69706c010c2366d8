package spec

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestParseFor(t *testing.T) {
	for text, want := range map[string]For{
		"ready":                                  {Kind: ForReady},
		" Ready ":                                {Kind: ForReady},
		"deleted":                                {Kind: ForDeleted},
		"delete":                                 {Kind: ForDeleted},
		"create":                                 {Kind: ForCreate},
		"created":                                {Kind: ForCreate},
		"condition=Available":                    {ForCondition, "Available", "True"},
		"condition=Available=False":              {ForCondition, "Available", "False"},
		"Condition=Ready=Unknown":                {ForCondition, "Ready", "Unknown"},
		"jsonpath={.status.phase}":               {ForJSONPath, "{.status.phase}", ""},
		"jsonpath={.status.phase}=Running":       {ForJSONPath, "{.status.phase}", "Running"},
		"jsonpath='{.status.phase}'=Running":     {ForJSONPath, "{.status.phase}", "Running"},
		`jsonpath="{.status.phase}"=Running`:     {ForJSONPath, "{.status.phase}", "Running"},
		"jsonpath=.status.phase=Running":         {ForJSONPath, "{.status.phase}", "Running"},
		"jsonpath=status.phase":                  {ForJSONPath, "{.status.phase}", ""},
		"jsonpath='.status.phase'":               {ForJSONPath, "{.status.phase}", ""},
		"jsonpath={.a}=b=c}=d":                   {ForJSONPath, "{.a}", "b=c}=d"},
		`jsonpath={.a[?(@.b=="}")].c}=x`:         {ForJSONPath, `{.a[?(@.b=="}")].c}`, "x"},
		`jsonpath={.a[?(@.type=="R")].status}=T`: {ForJSONPath, `{.a[?(@.type=="R")].status}`, "T"},
		"jsonpath={range .a}{.b}{end}=x":         {ForJSONPath, "{range .a}{.b}{end}", "x"},
	} {
		t.Run(text, func(t *testing.T) {
			got, err := ParseFor(text)
			NewWithT(t).Expect(err).NotTo(HaveOccurred())
			NewWithT(t).Expect(got).To(Equal(want))
		})
	}
}

func TestParseForErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "for is empty",
		"  ":                         "for is empty",
		"rollout":                    `for does not know "rollout"`,
		"exists=yes":                 `for does not know "exists"`,
		"ready=true":                 `for does not know "ready"`,
		"condition":                  "condition= names no condition",
		"condition=":                 "condition= names no condition",
		"condition==True":            "condition= names no condition",
		"condition=Ready=":           "condition=Ready= names no status",
		"jsonpath":                   "jsonpath= names no path",
		"jsonpath=":                  "jsonpath= names no path",
		"jsonpath={.a":               "jsonpath={.a does not end its path",
		"jsonpath='{.a}":             "jsonpath='{.a} does not end its path",
		"jsonpath={.a}=":             "jsonpath={.a}= names no value",
		"jsonpath={.a}x":             `after jsonpath={.a} stands "x", expected = and a value`,
		"jsonpath=''":                "jsonpath= names no path",
		"jsonpath={}":                "jsonpath= names no path",
		"jsonpath==x":                "jsonpath= names no path",
		"condition=${{ vars.name }}": "for takes no ${{ }}, write the condition as cel",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := ParseFor(text)
			NewWithT(t).Expect(err).To(MatchError(want))
		})
	}
}
