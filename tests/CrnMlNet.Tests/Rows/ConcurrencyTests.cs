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
