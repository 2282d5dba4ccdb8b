// Command worker is a worker of Spectra in forty lines of Go (imports, comments and blank lines
// aside), written from docs/openapi/worker-api.yaml. Whatever the task, it returns input.text in
// capitals.
//
// It does one task at a time, and each in microseconds: nothing to cancel, to give back or
// to leave in a checkpoint. docs/worker-api.md says what a worker with longer tasks adds.

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

type object = map[string]any

type answer struct {
	Claims  []object
	Address string // where to call instead, with status 421
}

var always, instance = context.Background(), time.Now().Format(time.RFC3339Nano)

// call says the same until the operator has answered it, or ctx has ended; pauses grow to 10 s.
func call(ctx context.Context, path string, body object) (got answer) {
	said, _ := json.Marshal(body)
	for pause := time.Second / 50; ctx.Err() == nil; pause = min(2*pause, 10*time.Second) {
		url := cmp.Or(got.Address, os.Getenv("SPECTRA_WORKER_URL")) + path
		token, _ := os.ReadFile(os.Getenv("SPECTRA_WORKER_TOKEN_FILE")) // renewed now and then
		request, _ := http.NewRequestWithContext(ctx, "POST", url, bytes.NewReader(said))
		request.Header = http.Header{"Authorization": {"Bearer " + string(token)},
			"Spectra-Instance": {instance}, "Content-Type": {"application/json"}}
		got = answer{}
		if reply, err := http.DefaultClient.Do(request); err == nil {
			err = json.NewDecoder(reply.Body).Decode(&got)
			if reply.Body.Close(); err == nil && (reply.StatusCode == 200 || reply.StatusCode == 409) {
				return got // 409: somebody else has it now, so it is dropped
			}
		}
		time.Sleep(rand.N(pause))
	}
	return got
}

func beat() { call(always, "/v1/heartbeat", object{}); time.AfterFunc(5*time.Second, beat) }

func main() {
	http.DefaultClient.Timeout = 40 * time.Second
	ask, _ := signal.NotifyContext(always, syscall.SIGTERM) // its end hangs up the wait
	go beat()
	for ask.Err() == nil {
		for got := call(ask, "/v1/claims", object{"slots": 1, "waitSeconds": 30}); len(got.Claims) > 0; {
			claim, more := got.Claims[0], map[error]int{nil: 1}[ask.Err()] // 0 after SIGTERM
			text := fmt.Sprintf("%.600v", claim["input"].(object)["text"]) // fits 4,000 bytes
			result := object{"outputs": object{"text": strings.ToUpper(text)}}
			end := object{"epoch": claim["epoch"], "succeeded": true, "result": result, "slots": more}
			got = call(always, "/v1/claims/"+claim["id"].(string)+"/result", end)
		}
	}
}
