// The alerts that stand, worst first: what, where, since when, how bad, what to do, who has it.
//
// The name of whoever acknowledges is asked once and kept in this browser, where nobody has to log in.
// Who may only look (may: false) is offered no act.
const NAME = "urban.operator";

export default {
  template: `
    <section class="alert-list" :aria-label="texts.alerts">
      <header>
        <h2>{{ texts.alerts }} <span class="count">{{ rows.length }}</span></h2>
        <button v-if="may && over.length > 1" type="button" class="plain" @click="take(over)">
          {{ texts.note_all }} ({{ over.length }})
        </button>
        <button v-if="held" type="button" class="link" @click="showHeld">
          {{ texts.held }}: {{ held }}
        </button>
        <button type="button" class="link" @click="$emit('quality', {})">{{ texts.quality }}</button>
        <button v-if="name && may && !signed" type="button" class="link" @click="ask(null)">
          {{ texts.on_duty }}: {{ name }} · {{ texts.change }}
        </button>
      </header>
      <p v-if="!rows.length" class="empty">{{ texts.no_alerts }}</p>
      <div class="scroll" v-else tabindex="0" role="region" :aria-label="texts.alerts">
        <table>
          <thead>
            <tr>
              <th scope="col">{{ texts.severity }}</th>
              <th scope="col">{{ texts.what }}</th>
              <th scope="col">{{ texts.where }}</th>
              <th scope="col">{{ texts.since }}</th>
              <th scope="col">{{ texts.value }}</th>
              <th scope="col"><span class="unseen">{{ texts.acknowledge }}</span></th>
            </tr>
          </thead>
          <tbody>
            <tr v-for="row in rows" :key="row.id" :class="[row.severity, 'is-' + row.state, { chosen: row.device === chosen }]"
                :data-alert="row.id">
              <td class="severity"><span class="badge" :class="row.severity">
                <i class="sign" :class="row.severity" aria-hidden="true"></i>{{ row.severity_text }}</span></td>
              <td class="what"><strong>{{ row.title }}</strong>
                <span class="act">{{ row.act }}</span>
                <span v-if="row.edition" class="edition">{{ row.edition }}</span>
                <span v-if="row.chattering" class="edition">{{ texts.chattering }}</span></td>
              <td class="where"><button type="button" class="link" @click="$emit('choose', { device: row.device })"
                :aria-label="texts.show + ' ' + row.device_name">{{ row.device_name }}</button>
                <span class="area">{{ row.area }}</span></td>
              <td class="since"><time :datetime="row.raised">{{ row.since }}</time>
                <span class="ago">{{ row.ago }}</span></td>
              <td class="value">{{ row.value }}<span class="limit">{{ row.limit }}</span></td>
              <td class="take">
                <button v-if="row.open && may" type="button" :class="row.returned ? 'plain' : 'ack'" :disabled="busy[row.id]"
                  :aria-label="verb(row) + ': ' + row.title + ', ' + row.device_name"
                  @click="take([row.id])">{{ busy[row.id] ? texts.sending : verb(row) }}</button>
                <span v-else-if="!row.open" class="taken">✓ {{ row.taken }}</span>
                <span v-if="row.returned" class="returned">{{ row.returned }}</span>
                <span v-if="row.assigned" class="taken">→ {{ row.assigned }}</span>
                <button type="button" class="link more" @click="details(row)"
                  :aria-label="texts.details + ': ' + row.title + ', ' + row.device_name">{{ texts.details }}</button>
              </td>
            </tr>
          </tbody>
        </table>
      </div>
      <dialog ref="dialog" :aria-label="texts.who" @close="closed">
        <form method="dialog" @submit.prevent="named">
          <label>{{ texts.who }}
            <input ref="input" v-model.trim="draft" maxlength="80" required autocomplete="name"></label>
          <p>{{ texts.who_note }}</p>
          <menu>
            <button type="button" class="plain" @click="$refs.dialog.close()">{{ texts.cancel }}</button>
            <button type="submit" class="ack">{{ texts.ok }}</button>
          </menu>
        </form>
      </dialog>
    </section>`,
  props: { rows: Array, texts: Object, chosen: String, held: Number, signed: String, may: Boolean },
  data() {
    return { name: "", draft: "", busy: {}, wanted: null };
  },
  computed: {
    over() {
      return this.rows.filter((row) => row.returned && row.open).map((row) => row.id);
    },
  },
  mounted() {
    this.remember(); // a browser that keeps nothing asks every time
  },
  methods: {
    verb(row) {
      return row.returned ? this.texts.note : this.texts.acknowledge;
    },
    details(row) {
      this.remember();
      this.$emit("open", { id: row.id, by: this.name });
    },
    showHeld() {
      this.remember();
      this.$emit("held", { by: this.name });
    },
    remember() {
      if (this.signed) {
        this.name = this.signed; // who is logged in signs with that name
        return;
      }
      try {
        this.name = localStorage.getItem(NAME) || this.name; // the drawer keeps it too
      } catch {}
    },
    take(ids) {
      this.name ? this.send(ids) : this.ask(ids);
    },
    ask(ids) {
      this.wanted = ids;
      this.draft = this.name;
      this.$refs.dialog.showModal();
      this.$refs.input.focus();
    },
    named() {
      if (!this.draft) return;
      this.name = this.draft;
      try {
        localStorage.setItem(NAME, this.name);
      } catch {}
      const ids = this.wanted;
      this.$refs.dialog.close();
      if (ids) this.send(ids);
    },
    closed() {
      this.wanted = null;
    },
    send(ids) {
      for (const id of ids) this.busy[id] = true;
      this.$emit("acknowledge", { ids, by: this.name });
      // The answer is the next list; should it not come, the buttons come back.
      setTimeout(() => ids.forEach((id) => delete this.busy[id]), 4000);
    },
  },
};
