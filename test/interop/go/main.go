// The tool signs somebody in with golang.org/x/oauth2 and coreos/go-oidc: by code with PKCE, by device, and as a service account.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

type told struct {
	Issuer   string
	ClientID string `json:"client_id"`
	API      string
	Machine  struct{ ID, Secret string }
}

func main() {
	var about told
	if err := json.Unmarshal([]byte(os.Args[1]), &about); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, about.Issuer)
	if err != nil {
		log.Fatal(err)
	}
	result := map[string]any{
		"code":    byCode(ctx, provider, about),
		"device":  byDevice(ctx, provider, about),
		"machine": asMachine(ctx, provider, about),
	}
	text, _ := json.Marshal(result)
	fmt.Println("RESULT", string(text))
}

func byCode(ctx context.Context, provider *oidc.Provider, about told) map[string]any {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	config := oauth2.Config{
		ClientID:    about.ClientID,
		Endpoint:    provider.Endpoint(),
		RedirectURL: fmt.Sprintf("http://%s/callback", listener.Addr()),
		Scopes:      []string{oidc.ScopeOpenID, "email", "api", "flows:edit"},
	}
	verifier := oauth2.GenerateVerifier()
	fmt.Println("OPEN", config.AuthCodeURL("a-state", oauth2.S256ChallengeOption(verifier), oidc.Nonce("a-nonce")))

	came := make(chan *http.Request, 1)
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "You can go back now.")
		came <- r
	}))
	answer := (<-came).URL.Query()
	if answer.Get("state") != "a-state" {
		log.Fatal("the state is another")
	}
	token, err := config.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		log.Fatal(err)
	}
	rawIDToken, _ := token.Extra("id_token").(string)
	idToken, err := provider.Verifier(&oidc.Config{ClientID: about.ClientID}).Verify(ctx, rawIDToken)
	if err != nil {
		log.Fatal(err)
	}
	var claims struct{ Email string }
	if err := idToken.Claims(&claims); err != nil {
		log.Fatal(err)
	}
	// A token that ended: the next request has a new one by itself.
	token.Expiry = time.Now().Add(-time.Minute)
	source := config.TokenSource(ctx, token)
	refreshed, err := source.Token()
	if err != nil {
		log.Fatal(err)
	}
	return map[string]any{
		"email":     claims.Email,
		"nonce":     idToken.Nonce,
		"scope":     token.Extra("scope"),
		"refreshed": refreshed.AccessToken != token.AccessToken,
		"api":       statusOf(oauth2.NewClient(ctx, source), about.API),
	}
}

func byDevice(ctx context.Context, provider *oidc.Provider, about told) map[string]any {
	config := oauth2.Config{ClientID: about.ClientID, Endpoint: provider.Endpoint(), Scopes: []string{"api"}}
	started, err := config.DeviceAuth(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("OPEN", started.VerificationURIComplete)
	token, err := config.DeviceAccessToken(ctx, started)
	if err != nil {
		log.Fatal(err)
	}
	return map[string]any{
		"scope": token.Extra("scope"),
		"api":   statusOf(config.Client(ctx, token), about.API),
	}
}

func asMachine(ctx context.Context, provider *oidc.Provider, about told) map[string]any {
	config := clientcredentials.Config{
		ClientID:     about.Machine.ID,
		ClientSecret: about.Machine.Secret,
		TokenURL:     provider.Endpoint().TokenURL,
		Scopes:       []string{"api"},
	}
	return map[string]any{"api": statusOf(config.Client(ctx), about.API)}
}

func statusOf(client *http.Client, api string) int {
	answer, err := client.Get(strings.TrimSuffix(api, "/") + "/projects")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}
