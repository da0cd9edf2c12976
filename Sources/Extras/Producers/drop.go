// drop SPOOL CHANNEL TO BODY: drops one message for msgspool and prints its name. Build: go build drop.go
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

type message struct {
	Channel string   `json:"channel"`
	To      []string `json:"to,omitempty"`
	Body    string   `json:"body"`
}

func drop(spool string, m message) (string, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	name := fmt.Sprintf("%d.%d.%x.json", time.Now().Unix(), os.Getpid(), random)
	aside, folder := filepath.Join(spool, "tmp", name), filepath.Join(spool, "new")
	file, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) // never over another's file
	if err != nil {
		return "", err
	}
	defer file.Close()
	if _, err := file.Write(append(data, '\n')); err != nil {
		return "", err
	}
	if err := file.Sync(); err != nil { // fsync
		return "", err
	}
	if err := os.Rename(aside, filepath.Join(folder, name)); err != nil {
		return "", err
	}
	directory, err := os.Open(folder) // the folder too, so that a power cut can't take the new name back
	if err != nil {
		return "", err
	}
	defer directory.Close()
	return name, directory.Sync()
}

func fail(status int, text string) {
	fmt.Fprintln(os.Stderr, text)
	os.Exit(status)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func main() {
	if len(os.Args) != 5 {
		fail(64, "usage: drop SPOOL CHANNEL TO[,TO]... BODY")
	}
	spool := os.Args[1]
	if !isFolder(filepath.Join(spool, "tmp")) || !isFolder(filepath.Join(spool, "new")) {
		fail(66, fmt.Sprintf("drop: no spool at %s; run: msgspool init %s", spool, spool))
	}
	to := strings.FieldsFunc(os.Args[3], func(c rune) bool { return c == ',' })
	name, err := drop(spool, message{os.Args[2], to, os.Args[4]})
	if err != nil {
		fail(1, "drop: "+err.Error())
	}
	fmt.Println(name)
}
