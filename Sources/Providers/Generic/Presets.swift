/// A service that needs no provider of its own: settings of `webhook` or `exec` that reach it, as data.
package struct Preset: Sendable {
  /// As `msgspool providers` and `init --provider` know it, and as the channel is called in its example.
  package let name: String
  /// One line.
  package let summary: String
  /// The provider that the channel names.
  package let provider: String
  /// The vendor's documentation, which the block was written from.
  package let document: String
  /// What to get where, in the order in which it is done.
  package let steps: [String]
  /// A channel as it stands in the configuration (JSON5).
  package let example: String
}

/// The presets that are known. Each is driven by a test with what its vendor documents: Tests/Fixtures/presets.
package enum Presets {
  package static let all: [Preset] = [slack, discord, teams, matrix, mattermost, sendgrid, apprise]

  package static func named(_ name: String) -> Preset? { all.first { $0.name == name } }

  private static let slack = Preset(
    name: "slack",
    summary: "a channel of Slack, by its incoming webhook",
    provider: "webhook",
    document: "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
    steps: [
      "At https://api.slack.com/apps make an app (from scratch), or take one that you have.",
      "Under Incoming Webhooks switch them on, then: Add New Webhook to Workspace, and choose the channel.",
      "Put the address, https://hooks.slack.com/services/..., into the environment as SLACK_WEBHOOK_URL. It is a secret.",
      "A message needs no \"to\". Slack takes a message a second, and cuts texts of more than 40,000 characters.",
      "Without mrkdwn: false Slack obeys *bold*, _italic_ and the like in texts.",
    ],
    // https://docs.slack.dev/messaging/formatting-message-text: & < > are to be escaped in every text.
    example: """
      slack: {
        provider: "webhook",
        url: { env: "SLACK_WEBHOOK_URL" },
        template: { text: "{text}", mrkdwn: false },
        escape: "html",
        rate: 1,
      }
      """)

  private static let discord = Preset(
    name: "discord",
    summary: "a channel of Discord, by its webhook",
    provider: "webhook",
    document: "https://discord.com/developers/docs/resources/webhook#execute-webhook",
    steps: [
      "In the channel's settings: Integrations, Webhooks, New Webhook, Copy Webhook URL.",
      "Put it with ?wait=true behind it, https://discord.com/api/webhooks/ID/TOKEN?wait=true, into the environment as "
        + "DISCORD_WEBHOOK_URL. It is a secret; with wait Discord answers when the message is there, and with its id.",
      "A message needs no \"to\". A title may have 256 characters, a body 4096; Discord reads Markdown in it, and nobody "
        + "is pinged.",
    ],
    example: """
      discord: {
        provider: "webhook",
        url: { env: "DISCORD_WEBHOOK_URL" },
        template: {
          embeds: [{ title: "{title}", url: "{url}", description: "{body}" }],
          allowed_mentions: { parse: [] },
        },
        success: { id: "id" },
      }
      """)

  private static let teams = Preset(
    name: "teams",
    summary: "a channel or chat of Microsoft Teams, by a workflow's webhook",
    provider: "webhook",
    document: "https://learn.microsoft.com/en-us/connectors/teams/#microsoft-teams-webhook",
    steps: [
      "In Teams, at the channel or chat: More options (...), Workflows, \"Send webhook alerts to a channel\" (or chat).",
      "Sign in, choose where it posts, save, and copy the address.",
      "Put it, https://...api.powerplatform.com:443/powerautomate/..., whole into the environment as TEAMS_WEBHOOK_URL. "
        + "It is a secret.",
      "A message needs no \"to\", and may have 28 KB. What Teams accepts (202) the workflow posts afterwards; its run "
        + "history tells what became of it.",
    ],
    // A workflow that was switched off or deleted answers 400 with this code, which is no message's fault.
    example: """
      teams: {
        provider: "webhook",
        url: { env: "TEAMS_WEBHOOK_URL" },
        template: {
          type: "message",
          attachments: [{
            contentType: "application/vnd.microsoft.card.adaptive",
            contentUrl: null,
            content: {
              $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
              type: "AdaptiveCard",
              version: "1.2",
              body: [{ type: "TextBlock", text: "{text}", wrap: true }],
            },
          }],
        },
        escape: "breaks",
        answers: { WorkflowTriggerIsNotEnabled: "credentials" },
      }
      """)

  private static let matrix = Preset(
    name: "matrix",
    summary: "rooms of Matrix, by a user's access token",
    provider: "webhook",
    document: "https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid",
    steps: [
      "Make a user for the messages at your homeserver, log in as it, and invite it to the rooms.",
      "In Element: All settings, Help & About, Access Token. Put \"Bearer TOKEN\" into the environment as "
        + "MATRIX_AUTHORIZATION. It is a secret, and ends when that session is logged out.",
      "Put the homeserver in place of matrix.example.org, and the rooms' ids (Room settings, Advanced) into recipients. "
        + "An alias (#room:example.org) is none. Encrypted rooms get the text unencrypted.",
      "A lost answer is no doubt: the same request is repeated under its transaction id, which Matrix carries out once.",
    ],
    example: """
      matrix: {
        provider: "webhook",
        method: "PUT",
        url: "https://matrix.example.org/_matrix/client/v3/rooms/{to}/send/m.room.message/{call}",
        headers: { Authorization: { env: "MATRIX_AUTHORIZATION" } },
        template: { msgtype: "m.text", body: "{text}" },
        success: { id: "event_id" },
        repeatable: true,
        recipients: { ops: "!636q39766251:example.org" },
      }
      """)

  private static let mattermost = Preset(
    name: "mattermost",
    summary: "a channel of Mattermost, by its incoming webhook",
    provider: "webhook",
    document: "https://developers.mattermost.com/integrate/webhooks/incoming/",
    steps: [
      "In Mattermost: Product menu, Integrations, Incoming Webhooks, Add Incoming Webhook; choose the channel.",
      "Put the address, https://chat.example.com/hooks/..., into the environment as MATTERMOST_WEBHOOK_URL. It is a secret.",
      "A message needs no \"to\". Mattermost reads Markdown, and parts what is too long itself.",
    ],
    // Mattermost's server/channels/app/webhook.go: a hook that was deleted or switched off answers 400 or 501.
    example: """
      mattermost: {
        provider: "webhook",
        url: { env: "MATTERMOST_WEBHOOK_URL" },
        template: { text: "{text}" },
        answers: {
          "web.incoming_webhook.invalid": "credentials",
          "web.incoming_webhook.disabled": "credentials",
        },
      }
      """)

  private static let sendgrid = Preset(
    name: "sendgrid",
    summary: "mail through SendGrid's Web API v3 (its SMTP is provider email)",
    provider: "webhook",
    document: "https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send",
    steps: [
      "At https://app.sendgrid.com: Settings, Sender Authentication; put the verified address in place of "
        + "alerts@example.com.",
      "Settings, API Keys, Create API Key, Restricted Access with Mail Send. Put \"Bearer KEY\" into the environment as "
        + "SENDGRID_AUTHORIZATION. It is a secret.",
      "\"to\" is a mail address. The title is the subject, else the body's first line; a body is sent as plain text.",
    ],
    // Without credits SendGrid answers 401; of an address that is none, 400 with the address's place in the request.
    example: """
      sendgrid: {
        provider: "webhook",
        url: "https://api.sendgrid.com/v3/mail/send",
        headers: { Authorization: { env: "SENDGRID_AUTHORIZATION" } },
        template: {
          personalizations: [{ to: [{ email: "{to}" }] }],
          from: { email: "alerts@example.com" },
          subject: "{subject}",
          content: [{ type: "text/plain", value: "{body}" }],
        },
        success: { id_header: "X-Message-Id" },
        answers: {
          "Maximum credits exceeded": "quota",
          "personalizations.0.to.0.email": "recipient",
        },
      }
      """)

  private static let apprise = Preset(
    name: "apprise",
    summary: "whatever Apprise reaches, by a bridge to it",
    provider: "exec",
    document: "https://github.com/caronc/apprise/wiki",
    steps: [
      "Install Apprise (pip install apprise), and see where the bridge is: make install puts it into "
        + "/usr/local/share/msgspool/bridges.",
      "\"to\" is an Apprise URL. It holds secrets: put each into the environment, and its name into recipients.",
      "Apprise tells success from failure and no more: what fails is tried again.",
    ],
    example: """
      apprise: {
        provider: "exec",
        command: [
          "/usr/bin/python3",
          "/usr/local/share/msgspool/bridges/apprise-bridge.py",
        ],
        timeout: 120,
        recipients: { alice: { env: "ALICE_APPRISE_URL" } },
      }
      """)
}
