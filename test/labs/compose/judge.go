// What Compose of generation 2 makes of files: reads one question a line as JSON, answers one line. By Compose's own loader.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
)

type question struct {
	Directory   string            `json:"directory"`
	Files       []string          `json:"files"`
	Environment map[string]string `json:"environment"`
	ProjectName string            `json:"projectName"`
}

type volume struct {
	Name     string            `json:"name"`
	Driver   string            `json:"driver"`
	Options  map[string]string `json:"options"`
	External bool              `json:"external"`
}

type answer struct {
	Project string            `json:"project,omitempty"`
	Volumes map[string]volume `json:"volumes,omitempty"`
	Error   string            `json:"error,omitempty"`
}

// As `docker compose` puts its options together. The loader panics at some files; that is no answer either.
func ask(q question) (loaded *types.Project, failure error) {
	defer func() {
		if reason := recover(); reason != nil {
			loaded, failure = nil, fmt.Errorf("panic: %v", reason)
		}
	}()
	if err := os.Chdir(q.Directory); err != nil {
		return nil, err
	}
	os.Clearenv()
	for name, value := range q.Environment {
		os.Setenv(name, value)
	}
	options := []cli.ProjectOptionsFn{
		cli.WithOsEnv,
		cli.WithEnvFiles(), cli.WithDotEnv,
		cli.WithConfigFileEnv, cli.WithDefaultConfigPath,
		cli.WithEnvFiles(), cli.WithDotEnv,
	}
	if q.ProjectName != "" {
		options = append(options, cli.WithName(q.ProjectName))
	}
	project, err := cli.NewProjectOptions(q.Files, options...)
	if err != nil {
		return nil, err
	}
	return project.LoadProject(context.Background())
}

func main() {
	logrus.SetOutput(io.Discard)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var q question
		reply := answer{}
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			panic(err)
		}
		if project, err := ask(q); err != nil {
			reply.Error = err.Error()
		} else {
			reply.Project = project.Name
			reply.Volumes = map[string]volume{}
			for key, each := range project.Volumes {
				reply.Volumes[key] = volume{each.Name, each.Driver, each.DriverOpts, bool(each.External)}
			}
		}
		text, _ := json.Marshal(reply)
		fmt.Println(string(text))
	}
}
