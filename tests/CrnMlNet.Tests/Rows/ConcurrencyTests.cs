using System.Collections.Concurrent;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Rows;

/// <summary>One transformer, many threads: as in a web service.</summary>
public class ConcurrencyTests(TrainedModel model)
{
    private const int Threads = 8;

    [Fact]
    public void Eight_threads_paint_what_one_does()
    {
        var scenes = Samples.Scenes(5);
        var data = model.MLContext.Data.LoadFromEnumerable(scenes);
        var expected = Samples.ReadPhotos(model.Transformer.Transform(data));

        OnEightThreads(thread =>
        {
            using var engine = Engine(model.Transformer);
            for (var round = 0; round < 3; round++)
            {
                Assert.Equal(expected, Samples.ReadPhotos(model.Transformer.Transform(data)));
                Assert.Equal(expected[thread % 5], engine.Predict(scenes[thread % 5]).Synthesized!.Pixels());
                using var photo = model.Transformer.Synthesize(scenes[round].Labels!);
                Assert.Equal(expected[round], photo.Pixels());
            }
        });
    }

    /// <summary>How a web service would: engines serve one request at a time and wait in a pool, over one model.</summary>
    [Fact]
    public void A_pool_of_prediction_engines_shares_one_model()
    {
        using var shared = (SynthesizeFromLabelsTransformer)model.Load();
        var scenes = Samples.Scenes(5);
        var expected = Samples.ReadPhotos(shared.Transform(model.MLContext.Data.LoadFromEnumerable(scenes)));
        var pool = new ConcurrentBag<PredictionEngine<Scene, Synthesis>>();

        OnEightThreads(thread =>
        {
            for (var request = 0; request < 6; request++)
            {
                var engine = pool.TryTake(out var waiting) ? waiting : Engine(shared);
                using (var photo = engine.Predict(scenes[(thread + request) % 5]).Synthesized!)
                    Assert.Equal(expected[(thread + request) % 5], photo.Pixels());
                pool.Add(engine);
            }
        });

        Assert.InRange(pool.Count, 1, Threads);
        foreach (var engine in pool)
            engine.Dispose();
        Assert.Equal(expected, Samples.ReadPhotos(shared.Transform(model.MLContext.Data.LoadFromEnumerable(scenes))));
    }

    /// <summary>How a service changes its model: with a new pool. Requests under way end with the old model, which then is freed.</summary>
    [Fact]
    public void A_pool_of_prediction_engines_may_change_its_model_while_it_serves()
    {
        using var other = Samples.Train(contextSeed: 2);
        var scenes = Samples.Scenes(5);
        var data = model.MLContext.Data.LoadFromEnumerable(scenes);
        var allowed = new[] { model.Transformer, other }.Select(transformer => Samples.ReadPhotos(transformer.Transform(data)))
            .Select(photos => photos.Select(Convert.ToHexString).ToArray()).ToArray();
        using var file = new MemoryStream();
        model.MLContext.Model.Save(other, null, file);
        var pool = new Pool(this, (SynthesizeFromLabelsTransformer)model.Load());
        var served = new ConcurrentBag<string>();
        var done = false;

        OnEightThreads(thread =>
        {
            for (var request = 0; !Volatile.Read(ref done); request++)
            {
                var scene = (thread + request) % 5;
                string photo;
                while (!Volatile.Read(ref pool).TryPredict(scenes[scene], out photo))
                {
                }

                Assert.Contains(photo, allowed.Select(photos => photos[scene]));
                served.Add(photo);
            }
        }, () =>
        {
            for (var change = 0; change < 4; change++)
            {
                var enough = served.Count + 20;
                Assert.True(SpinWait.SpinUntil(() => served.Count > enough, TimeSpan.FromMinutes(2)));
                file.Position = 0;
                var next = change % 2 == 0 ? model.MLContext.Model.Load(file, out _) : model.Load();
                Interlocked.Exchange(ref pool, new Pool(this, (SynthesizeFromLabelsTransformer)next)).Dispose();
            }

            Volatile.Write(ref done, true);
        });

        pool.Dispose();
        Assert.All(allowed, photos => Assert.NotEmpty(served.Intersect(photos)));
    }

    [Fact]
    public void Disposing_while_others_paint_lets_them_finish_and_refuses_the_next()
    {
        var scenes = Samples.Scenes(5);
        var data = model.MLContext.Data.LoadFromEnumerable(scenes);
        var expected = Samples.ReadPhotos(model.Transformer.Transform(data));
        for (var round = 0; round < 5; round++)
        {
            var shared = (SynthesizeFromLabelsTransformer)model.Load();
            using var painting = new CountdownEvent(Threads);

            OnEightThreads(thread =>
            {
                void Paint()
                {
                    if (thread == 0)
                    {
                        Assert.Equal(expected, Samples.ReadPhotos(shared.Transform(data)));
                        return;
                    }

                    using var photo = shared.Synthesize(scenes[thread % 5].Labels!);
                    Assert.Equal(expected[thread % 5], photo.Pixels());
                }

                try
                {
                    Paint();
                }
                finally
                {
                    painting.Signal();
                }

                Exception? end;
                while ((end = Record.Exception(Paint)) is null)
                {
                }

                Assert.IsType<ObjectDisposedException>(end);
            }, () =>
            {
                painting.Wait();
                // Several at once, too.
                Parallel.For(0, 4, _ => shared.Dispose());
            });

            Assert.Throws<ObjectDisposedException>(() => shared.Transform(data));
        }
    }

    /// <summary>Prediction engines that wait for requests, over one model that they share and the pool owns.</summary>
    private sealed class Pool(ConcurrencyTests tests, SynthesizeFromLabelsTransformer transformer) : IDisposable
    {
        private readonly ConcurrentBag<PredictionEngine<Scene, Synthesis>> _waiting = [];

        /// <summary>The photo in hexadecimal digits; false when the pool was disposed meanwhile.</summary>
        public bool TryPredict(Scene scene, out string photo)
        {
            photo = "";
            try
            {
                var engine = _waiting.TryTake(out var waiting) ? waiting : tests.Engine(transformer);
                using var image = engine.Predict(scene).Synthesized!;
                photo = Convert.ToHexString(image.Pixels);
                _waiting.Add(engine);
                return true;
            }
            catch (ObjectDisposedException)
            {
                return false;
            }
        }

        public void Dispose() => transformer.Dispose();
    }

    private static void OnEightThreads(Action<int> work, Action? meanwhile = null)
    {
        var errors = new ConcurrentQueue<Exception>();
        var threads = Enumerable.Range(0, Threads).Select(i => new Thread(() =>
        {
            try
            {
                work(i);
            }
            catch (Exception e)
            {
                errors.Enqueue(e);
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        meanwhile?.Invoke();
        threads.ForEach(thread => thread.Join());
        Assert.Empty(errors);
    }

    private PredictionEngine<Scene, Synthesis> Engine(ITransformer transformer)
        => model.MLContext.Model.CreatePredictionEngine<Scene, Synthesis>(transformer, new PredictionEngineOptions { OwnsTransformer = false });
}
