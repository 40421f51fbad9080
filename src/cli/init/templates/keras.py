import keras
import millwright

job = millwright.job()  # job.X and job.y: the training rows, as pandas
keras.utils.set_random_seed(job.seed)

X = job.X.to_numpy("float32")
normalize = keras.layers.Normalization()
normalize.adapt(job.X.dropna().to_numpy("float32"))

# The model takes the features as they are, [rows, features]; what is missing counts as the mean.
inputs = keras.Input(shape=(X.shape[1],))
hidden = normalize(inputs)
hidden = keras.ops.where(keras.ops.isnan(hidden), 0.0, hidden)
hidden = keras.layers.Dense(32, activation="relu")(hidden)
model = keras.Model(inputs, keras.layers.Dense(len(job.classes), activation="softmax")(hidden))
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])


class Log(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        job.log(logs, step=epoch)
        job.progress(epoch + 1, job.params["epochs"])


model.fit(X, job.y.to_numpy(), epochs=job.params["epochs"], batch_size=32, verbose=0, callbacks=[Log()])
job.save(model)
